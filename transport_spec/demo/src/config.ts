/** What the page must know about the project it talks to, served beside it as `/config.json`. */
export interface Config {
  readonly url: string;
  readonly publishableKey: string;
  /** Which model answers, in words for the reader of the page. */
  readonly modelLabel: string;
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) {
    throw new Error(`config.json must be readable, got ${response?.status ?? "no answer"}`);
  }
  const config = (await response.json()) as Partial<Config>;
  if (!config.url || !config.publishableKey) {
    throw new Error("config.json must hold url and publishableKey");
  }
  return {
    url: config.url,
    publishableKey: config.publishableKey,
    modelLabel: config.modelLabel ?? "",
  };
}
