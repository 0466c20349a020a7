/** An error of the API server, or of kubectl before it sends a request, in kubectl's words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The status message itself, as clients other than kubectl print it. */
  readonly status: string;

  constructor(message: string, status = message.replace(/^Error from server \(\w+\): /, '')) {
    super(message);
    this.status = status;
  }
}

/** `Error from server (REASON): text`, as kubectl prints a status of the API server. */
export function fromServer(
  reason: 'NotFound' | 'Forbidden' | 'Invalid' | 'BadRequest' | 'InternalError' | 'Conflict',
  text: string,
): ApiError {
  return new ApiError(`Error from server (${reason}): ${text}`);
}
