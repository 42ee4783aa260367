/** `factsOf` for a page: tests in Python call it in a browser. */

import { ready } from "../src/primitives";
import { factsOf } from "./symbols";

Object.assign(globalThis, {
  symbolsOf: async (base64: string) => {
    await ready();
    const { points, symbols } = factsOf(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
    return { points, symbols };
  },
});
