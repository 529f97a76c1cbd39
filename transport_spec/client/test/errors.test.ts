import { expect, test } from "vitest";
import { errorFrom, isFinalForReaders } from "../src/errors.js";

const refusal = (code: string, details: string | null, status: number) =>
  errorFrom({ error: { code, details, message: "m", hint: "" }, status });

test.each([
  ["PT400", "TW001", 400],
  ["PT404", "TW003", 404],
  ["PT409", "TW005", 409],
  ["PT413", "TW006", 413],
  ["PT401", "TW007", 401],
  ["PT429", "TW008", 429],
])("%s with %s becomes a typed error", (code, details, status) => {
  expect(refusal(code, details, status)).toMatchObject({ code: details, status, hint: null });
});

test("an error that is not Tidewire's own keeps its status and is TW000", () => {
  expect(refusal("PGRST301", "JWT expired", 401)).toMatchObject({ code: "TW000", status: 401 });
  expect(refusal("23505", "TW003", 409)).toMatchObject({ code: "TW000", status: 409 });
  expect(refusal("", null, 0)).toMatchObject({ code: "TW000", status: 0 });
});

test("only what can never succeed ends a reader", () => {
  expect(isFinalForReaders(refusal("PT404", "TW003", 404))).toBe(true);
  expect(isFinalForReaders(refusal("PT401", "TW007", 401))).toBe(false);
  expect(isFinalForReaders(refusal("PGRST301", null, 401))).toBe(false);
  expect(isFinalForReaders(new Error("fetch failed"))).toBe(false);
});
