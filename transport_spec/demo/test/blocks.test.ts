import { describe, expect, test } from "vitest";
import { blocksOf, itemsOf, spansOf } from "../src/blocks.js";

const answer = `# Tides

They rise **twice a day** [1], see \`tide_table\` and [the atlas](https://example.org/a_(b) "x").

- the moon
  pulls
  - near side
* the sun [2]

1. first
2) second

\`\`\`sql
select 1; -- **not bold**

\`\`\`
a * b ** c [99] [x](javascript:alert(1))
`;

const joined = (pieces: readonly { readonly raw: string }[]) =>
  pieces.map((piece) => piece.raw).join("");

describe("blocks", () => {
  test("of every beginning of an answer, joined again, are that beginning", () => {
    for (let length = 0; length <= answer.length; length += 1) {
      const text = answer.slice(0, length);
      expect(joined(blocksOf(text))).toBe(text);
    }
  });

  test("keep spaces, carriage returns and line separators", () => {
    for (const text of ["", "\n", " \r\n\t\n", "a\r\nb", "a\u2028b", "``` \n ```\n```", "# \n#"]) {
      expect(joined(blocksOf(text))).toBe(text);
    }
  });

  test("are told apart by how their lines begin", () => {
    expect(blocksOf(answer).map((block) => block.kind)).toEqual([
      "heading",
      "blank",
      "paragraph",
      "blank",
      "list",
      "blank",
      "list",
      "blank",
      "code",
      "paragraph",
    ]);
  });

  test("of code go on to the end until they are closed", () => {
    expect(blocksOf("```\na\n\nb")).toMatchObject([{ kind: "code", opening: 4, closing: 0 }]);
    expect(blocksOf("```\na\n```\nb")).toMatchObject([
      { kind: "code", opening: 4, closing: 4 },
      { kind: "paragraph" },
    ]);
  });
});

test("items of a list, joined again, are the list", () => {
  const raw = "- a\n  more\n  - b\n- c";
  expect(joined(itemsOf(raw))).toBe(raw);
  expect(itemsOf(raw).map((item) => item.depth)).toEqual([0, 1, 0]);
});

describe("spans", () => {
  test("joined again, are the line", () => {
    for (const line of answer.split("\n")) expect(joined(spansOf(line))).toBe(line);
  });

  test("link to the web and nowhere else", () => {
    expect(spansOf("[x](javascript:alert(1)) [y](https://e.org)")).toMatchObject([
      { kind: "text" },
      { kind: "link", url: "https://e.org" },
    ]);
  });

  test("find code before strong words and citations", () => {
    expect(spansOf("`**a**[1]`").map((span) => span.kind)).toEqual(["code"]);
    expect(spansOf("*a b* 2 * 3 * 4 a*b*c").map((span) => span.kind)).toEqual(["em", "text"]);
    expect(spansOf("**a** [1]").map((span) => span.kind)).toEqual(["strong", "text", "citation"]);
  });
});
