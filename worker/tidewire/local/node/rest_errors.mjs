/** SQLSTATEs, and classes of them, that the library itself answers as PostgREST does. */
const ANSWERED_BY_LIBRARY = /^(PT...|PGRST|21...|22...|42...|55...|2350[235]|25006)$/;

/** HTTP status by SQLSTATE or class, as PostgREST documents it; what is not here is 400. */
const STATUS = new Map([
  ["08", 503], ["09", 500], ["0L", 403], ["0P", 403], ["25", 500], ["28", 403], ["2D", 500],
  ["38", 500], ["39", 500], ["3B", 500], ["40", 500], ["53", 503], ["53400", 500], ["54", 500],
  ["57", 500], ["57P01", 503], ["58", 500], ["F0", 500], ["HV", 500], ["P0", 500], ["P0001", 400],
  ["XX", 500],
]);

const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
]);

/**
 * Turns a database error that the library would answer with a code of its own into the form that
 * it passes on as it is: SQLSTATE `PGRST`, the body in the message, the status in the detail.
 */
export function asRestError(error) {
  if (UNREACHABLE.has(error?.code)) {
    return passedOn(503, { code: "PGRST001", message: "Database connection error", details: error.message });
  }
  if (error?.name !== "PostgresError" || ANSWERED_BY_LIBRARY.test(error.code)) return error;
  const { code, message, detail: details, hint } = error;
  const status = STATUS.get(code) ?? STATUS.get(code.slice(0, 2)) ?? 400;
  return passedOn(status, { code, message, details, hint });
}

function passedOn(status, body) {
  return Object.assign(new Error(body.message), {
    code: "PGRST",
    message: JSON.stringify(body),
    detail: JSON.stringify({ status, headers: {} }),
  });
}
