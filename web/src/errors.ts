/** The errors that users see: one line each, with the names that the Python package gives them. */

/** Base of all errors that the decoder throws on purpose. */
export class XcodecError extends Error {
  override name = "XcodecError";
}

/** An argument that makes no sense. */
export class InputError extends XcodecError {
  override name = "InputError";
}

/** Data that is not a complete, valid file of a supported version. */
export class FormatError extends XcodecError {
  override name = "FormatError";
}

/** A file that ends early; `partial` may still decode it. */
export class TruncatedError extends FormatError {
  override name = "TruncatedError";
}

/** A picture that exceeds the caller's limits. */
export class LimitError extends XcodecError {
  override name = "LimitError";
}

/** Weights that are missing, damaged or unsuitable for the file. */
export class ModelError extends XcodecError {
  override name = "ModelError";
}

const CLASSES = { InputError, FormatError, TruncatedError, LimitError, ModelError };

/** An error that crossed the border of a worker, with its class again. */
export function revived(name: string, message: string): XcodecError {
  return new (CLASSES[name as keyof typeof CLASSES] ?? XcodecError)(message);
}
