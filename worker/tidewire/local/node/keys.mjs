/**
 * Makes a function that replaces older JWT keys in a request by the keys of today: in the
 * `apikey` header, the `apikey` of the query, and an `Authorization` that repeats the key.
 *
 * @param {Map<string, string>} replacements
 */
export function currentKeys(replacements) {
  return (request) => {
    const { headers } = request;
    headers.apikey = replacements.get(headers.apikey) ?? headers.apikey;
    if (headers.apikey === undefined) delete headers.apikey;

    const [scheme, token] = headers.authorization?.split(" ") ?? [];
    const known = replacements.get(token);
    if (scheme?.toLowerCase() === "bearer" && known) {
      headers.authorization = `Bearer ${known}`;
      headers.apikey ??= known;
    }

    const at = request.url.indexOf("?");
    if (at < 0 || !request.url.includes("apikey=", at)) return;
    const query = new URLSearchParams(request.url.slice(at));
    const replacement = replacements.get(query.get("apikey"));
    if (replacement) {
      query.set("apikey", replacement);
      request.url = `${request.url.slice(0, at)}?${query}`;
    }
  };
}
