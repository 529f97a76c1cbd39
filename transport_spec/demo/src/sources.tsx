import type { MessagePart } from "@tidewire/client";

export interface Source {
  readonly sourceId: string;
  readonly title: string;
  readonly url: string | null;
}

/** The sources an answer rests on, in the order in which it cites them. */
export function sourcesOf(parts: readonly MessagePart[]): Source[] {
  return parts.flatMap((part) => {
    if (part.type === "source-url" && "url" in part) return [toSource(part)];
    if (part.type !== "data-sources" || !("data" in part) || !Array.isArray(part.data)) return [];
    return part.data.map(toSource);
  });
}

function toSource(source: { sourceId?: unknown; title?: unknown; url?: unknown }): Source {
  const url = typeof source.url === "string" ? source.url : null;
  const sourceId = String(source.sourceId ?? url ?? "");
  return {
    sourceId,
    title: typeof source.title === "string" && source.title !== "" ? source.title : sourceId,
    // A link may only lead to the web: other schemes could run script.
    url: url !== null && /^https?:\/\//i.test(url) ? url : null,
  };
}

interface SourcesProps {
  readonly sources: readonly Source[];
  /** Beginning of the ids by which citations find their source. */
  readonly prefix: string;
  /** Whether the sources are listed without being asked for. */
  readonly open: boolean;
}

export function Sources({ sources, prefix, open }: SourcesProps) {
  if (sources.length === 0) return null;
  return (
    <details className="sources" data-testid="sources" open={open}>
      <summary>{sources.length === 1 ? "1 source" : `${sources.length} sources`}</summary>
      <ol aria-label="Sources">
        {sources.map((source, place) => (
          <li
            key={source.sourceId}
            id={`${prefix}${place + 1}`}
            tabIndex={-1}
            data-testid="source"
            data-source-id={source.sourceId}
          >
            <span className="number" aria-hidden="true">
              {place + 1}
            </span>
            <SourceTitle source={source} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function SourceTitle({ source: { title, url } }: { readonly source: Source }) {
  if (url === null) return <span className="title">{title}</span>;
  return (
    <a className="title" href={url} target="_blank" rel="noreferrer">
      {title}
      <small>{new URL(url).hostname}</small>
    </a>
  );
}
