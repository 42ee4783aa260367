/** The elements of the page, by their ids. */

export function element<K extends keyof HTMLElementTagNameMap>(
  id: string,
  tag: K,
): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id);
  if (found?.localName !== tag) throw new Error(`the page has no ${tag} #${id}`);
  return found as HTMLElementTagNameMap[K];
}

export function show(id: string, visible: boolean): void {
  document.getElementById(id)!.hidden = !visible;
}
