/**
 * A restrained Markdown that loses nothing: every block and every span keeps all its characters,
 * so the text on the page, marks included, is the raw text of the answer.
 */
export type Block =
  | { readonly kind: "blank" | "paragraph"; readonly raw: string }
  | {
      readonly kind: "heading";
      readonly raw: string;
      readonly level: number;
      readonly mark: number;
    }
  | {
      readonly kind: "code";
      readonly raw: string;
      readonly opening: number;
      readonly closing: number;
    }
  | { readonly kind: "list"; readonly raw: string; readonly ordered: boolean };

/** Cuts a text into blocks. Joined again, their `raw` is the text. */
export function blocksOf(text: string): Block[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length;) {
    const kind = kindOf(lines[at] ?? "");
    const end = kind === "code" ? endOfCode(lines, at) : endOfRun(lines, at, kind);
    blocks.push(toBlock(kind, lines.slice(at, end)));
    at = end;
  }
  return blocks;
}

type LineKind = Block["kind"] | "ordered";

function kindOf(line: string): LineKind {
  if (line.trim() === "") return "blank";
  if (/^ {0,3}```/.test(line)) return "code";
  if (/^#{1,6} /.test(line)) return "heading";
  if (/^ *[-*+] /.test(line)) return "list";
  if (/^ *\d{1,9}[.)] /.test(line)) return "ordered";
  return "paragraph";
}

function endOfCode(lines: readonly string[], start: number): number {
  for (let at = start + 1; at < lines.length; at += 1) {
    if (/^ {0,3}```\s*$/.test(lines[at] ?? "")) return at + 1;
  }
  return lines.length;
}

function endOfRun(lines: readonly string[], start: number, kind: LineKind): number {
  let end = start + 1;
  if (kind === "heading") return end;
  while (end < lines.length && belongs(lines[end] ?? "", kind)) end += 1;
  return end;
}

/** Whether a line goes on with the block before it. An indented line belongs to its list item. */
function belongs(line: string, kind: LineKind): boolean {
  const own = kindOf(line);
  if (kind === "list" || kind === "ordered") {
    return own === kind || (own !== "blank" && /^ {2,}/.test(line));
  }
  return own === kind;
}

function toBlock(kind: LineKind, lines: readonly string[]): Block {
  const raw = lines.join("");
  switch (kind) {
    case "heading": {
      const level = raw.indexOf(" ");
      return { kind, raw, level, mark: level + 1 };
    }
    case "code": {
      const last = lines.at(-1) ?? "";
      const closed = lines.length > 1 && /^ {0,3}```\s*$/.test(last);
      return { kind, raw, opening: lines[0]?.length ?? 0, closing: closed ? last.length : 0 };
    }
    case "list":
    case "ordered":
      return { kind: "list", raw, ordered: kind === "ordered" };
    default:
      return { kind, raw };
  }
}

export interface ListItem {
  readonly raw: string;
  /** Length of the indentation and the bullet or number. */
  readonly mark: number;
  readonly depth: number;
  readonly number: number | null;
}

export function itemsOf(raw: string): ListItem[] {
  const items: ListItem[] = [];
  for (const line of raw.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const bullet = /^( *)(?:[-*+]|(\d{1,9})[.)]) /.exec(line);
    const before = items.at(-1);
    if (bullet === null && before !== undefined) {
      items[items.length - 1] = { ...before, raw: before.raw + line };
      continue;
    }
    items.push({
      raw: line,
      mark: bullet?.[0].length ?? 0,
      depth: Math.min(4, Math.floor((bullet?.[1]?.length ?? 0) / 2)),
      number: bullet?.[2] === undefined ? null : Number(bullet[2]),
    });
  }
  return items;
}

export type Span =
  | { readonly kind: "text"; readonly raw: string }
  | { readonly kind: "strong" | "em" | "code"; readonly raw: string; readonly mark: number }
  | { readonly kind: "link"; readonly raw: string; readonly label: string; readonly url: string }
  | { readonly kind: "citation"; readonly raw: string; readonly number: number };

const SPAN =
  /(?<code>`[^`\n]+`)|(?<strong>\*\*(?=\S)[^\n]*?\S\*\*)|(?<em>(?<![\w*])\*(?=[^\s*])[^*\n]*[^\s*]\*(?![\w*]))|\[(?<label>[^\]\n]+)\]\((?<url>https?:\/\/[^\s)]+)\)|\[(?<number>\d{1,3})\]/g;

/** Cuts a line of text into spans. Joined again, their `raw` is the text. */
export function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > at) spans.push({ kind: "text", raw: text.slice(at, match.index) });
    spans.push(toSpan(match[0], match.groups ?? {}));
    at = match.index + match[0].length;
  }
  if (at < text.length) spans.push({ kind: "text", raw: text.slice(at) });
  return spans;
}

function toSpan(raw: string, groups: Readonly<Record<string, string | undefined>>): Span {
  if (groups.code !== undefined) return { kind: "code", raw, mark: 1 };
  if (groups.strong !== undefined) return { kind: "strong", raw, mark: 2 };
  if (groups.em !== undefined) return { kind: "em", raw, mark: 1 };
  if (groups.url !== undefined) {
    return { kind: "link", raw, label: groups.label ?? "", url: groups.url };
  }
  return { kind: "citation", raw, number: Number(groups.number) };
}
