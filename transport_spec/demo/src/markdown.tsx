import { memo, type ReactNode } from "react";
import { type Block, blocksOf, itemsOf, type ListItem, type Span, spansOf } from "./blocks.js";

interface MarkdownProps {
  readonly text: string;
  /** How many sources there are to cite. */
  readonly sourceCount: number;
  /** Where the sources of this answer are: their ids begin with it. */
  readonly sourcePrefix: string;
}

/** Shows a text so that the text content of the page, hidden marks included, equals it exactly. */
export function Markdown({ text, ...citing }: MarkdownProps) {
  return blocksOf(text).map((block, place) => (
    // A block keeps its place while the text grows: only the last one is drawn again.
    // The place is the identity of a block.
    <BlockView key={place} {...citing} {...block} />
  ));
}

type Citing = Omit<MarkdownProps, "text">;

const BlockView = memo(function BlockView({ sourceCount, sourcePrefix, ...block }: Block & Citing) {
  const citing = { sourceCount, sourcePrefix };
  const { body, tail } = splitTail(block.raw);
  switch (block.kind) {
    case "blank":
      return <Mark>{block.raw}</Mark>;
    case "heading": {
      const Heading = block.level <= 2 ? "h3" : "h4";
      return (
        <Heading>
          <Mark>{body.slice(0, block.mark)}</Mark>
          <Spans text={body.slice(block.mark)} {...citing} />
          <Mark>{tail}</Mark>
        </Heading>
      );
    }
    case "code":
      return <CodeView {...block} />;
    case "list":
      return <ListView raw={block.raw} ordered={block.ordered} {...citing} />;
    case "paragraph":
      return (
        <p>
          <Spans text={body} {...citing} />
          <Mark>{tail}</Mark>
        </p>
      );
  }
});

/** Characters that belong to the text but are drawn as form, not as letters. */
function Mark({ children }: { readonly children: string }) {
  return children === "" ? null : <span className="mark">{children}</span>;
}

function CodeView({ raw, opening, closing }: Extract<Block, { kind: "code" }>) {
  const inside = raw.slice(opening, raw.length - closing);
  const { body, tail } = splitTail(inside);
  return (
    <pre>
      <Mark>{raw.slice(0, opening)}</Mark>
      <code>{body}</code>
      <Mark>{tail + raw.slice(raw.length - closing)}</Mark>
    </pre>
  );
}

function ListView({ raw, ordered, ...citing }: { raw: string; ordered: boolean } & Citing) {
  const items = itemsOf(raw);
  const views = items.map((item, place) => (
    // The place is the identity of an item.
    <ItemView key={place} item={item} {...citing} />
  ));
  return ordered ? <ol start={items[0]?.number ?? 1}>{views}</ol> : <ul>{views}</ul>;
}

function ItemView({ item, ...citing }: { item: ListItem } & Citing) {
  const { body, tail } = splitTail(item.raw.slice(item.mark));
  return (
    <li className={`depth-${item.depth}`} {...(item.number === null ? {} : { value: item.number })}>
      <Mark>{item.raw.slice(0, item.mark)}</Mark>
      <Spans text={body} {...citing} />
      <Mark>{tail}</Mark>
    </li>
  );
}

function Spans({ text, ...citing }: { text: string } & Citing): ReactNode {
  return spansOf(text).map((span, place) => (
    // The place is the identity of a span.
    <SpanView key={place} span={span} {...citing} />
  ));
}

function SpanView({ span, sourceCount, sourcePrefix }: { span: Span } & Citing): ReactNode {
  switch (span.kind) {
    case "text":
      return span.raw;
    case "strong":
    case "em":
    case "code": {
      const Tag = span.kind;
      return (
        <Tag>
          <Mark>{span.raw.slice(0, span.mark)}</Mark>
          {span.raw.slice(span.mark, -span.mark)}
          <Mark>{span.raw.slice(-span.mark)}</Mark>
        </Tag>
      );
    }
    case "link":
      return (
        <a href={span.url} target="_blank" rel="noreferrer">
          <Mark>[</Mark>
          {span.label}
          <Mark>{`](${span.url})`}</Mark>
        </a>
      );
    case "citation":
      if (span.number < 1 || span.number > sourceCount) return span.raw;
      return <Citation raw={span.raw} target={`${sourcePrefix}${span.number}`} />;
  }
}

function Citation({ raw, target }: { readonly raw: string; readonly target: string }) {
  return (
    <button
      type="button"
      className="citation"
      aria-label={`Source ${raw.slice(1, -1)}`}
      onClick={() => showSource(target)}
    >
      <Mark>[</Mark>
      {raw.slice(1, -1)}
      <Mark>]</Mark>
    </button>
  );
}

function showSource(id: string): void {
  const source = document.getElementById(id);
  // What is folded away cannot take the focus.
  source?.closest("details")?.setAttribute("open", "");
  source?.focus();
}

/** Line ends at the end of a block are drawn by the block itself. */
function splitTail(raw: string): { body: string; tail: string } {
  const body = raw.replace(/\s+$/, "");
  return { body, tail: raw.slice(body.length) };
}
