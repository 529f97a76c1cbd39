import { randomUUID } from "node:crypto";

/**
 * JSON arguments of functions, passed exactly.
 *
 * The library hands an object to the driver as its text and a string as itself, and the driver
 * encodes both once more: an object arrived as a string, and 5 could not be told from "5". So such
 * arguments are encoded here, marked, and left as they are by the driver.
 */
const MARK = `${randomUUID()}:`;

/** How the driver reads and writes JSON. */
export const jsonTypes = {
  json: { to: 114, from: [114], serialize, parse: JSON.parse },
  jsonb: { to: 3802, from: [3802], serialize, parse: JSON.parse },
};

/** Names of the JSON arguments, by function, as `marked` takes them. */
export const JSON_ARGUMENTS = `
  select p.proname as function, a.name as argument
  from pg_proc p
  cross join lateral unnest(p.proargnames, p.proargtypes::oid[]) as a (name, type)
  where a.type in (114, 3802)
    and p.pronamespace = 'public'::regnamespace
`;

/**
 * The request with its JSON arguments marked; any other request as it is.
 *
 * @param {Map<string, Set<string>>} jsonArguments names of arguments by function
 */
export async function marked(request, jsonArguments) {
  const name = new URL(request.url).pathname.match(/\/rpc\/([^/]+)$/)?.[1];
  const names = jsonArguments.get(decodeURIComponent(name ?? ""));
  if (request.method !== "POST" || !names) return request;
  const text = await request.text();
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  return new Request(request.url, { method: "POST", headers, body: markedBody(text, names) });
}

function markedBody(text, names) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  if (body === null || typeof body !== "object" || Array.isArray(body)) return text;
  for (const name of names) {
    if (body[name] !== undefined && body[name] !== null) body[name] = MARK + JSON.stringify(body[name]);
  }
  return JSON.stringify(body);
}

function serialize(value) {
  const exact = typeof value === "string" && value.startsWith(MARK);
  return exact ? value.slice(MARK.length) : JSON.stringify(value);
}
