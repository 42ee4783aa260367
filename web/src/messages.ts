/** What the module and its worker say to each other. */

import type { DecodeOptions, Decoded, Info, Received } from "./interface";

/** A picture to decode: a file, or packets. */
export type Given = { file: Uint8Array } | { packets: Uint8Array[] };

export type Task =
  | { kind: "decode"; given: Given; options: DecodeOptions; eager: boolean }
  | { kind: "info"; given: Given; options: DecodeOptions }
  | { kind: "packets"; given: Uint8Array | string }
  | { kind: "load"; file: Uint8Array; name: string | undefined };

export type Request = Task & { id: number };

export type Answer = Decoded | Received | Info | Uint8Array[] | string | null;

export type Response =
  | { id: number; answer: Answer }
  | { id: number; fill: Decoded }
  | { id: number; progress: number }
  | { id: number; error: { name: string; message: string } };
