import { createClient } from "@supabase/supabase-js";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { loadConfig } from "./config.js";
import { Notice } from "./notice.js";
import "./styles.css";

const root = createRoot(document.getElementById("root") as HTMLElement);

async function open(): Promise<void> {
  try {
    const config = await loadConfig();
    const supabase = createClient(config.url, config.publishableKey);
    root.render(
      <StrictMode>
        <App supabase={supabase} modelLabel={config.modelLabel} />
      </StrictMode>,
    );
  } catch (error) {
    root.render(
      <main className="centred">
        <Notice kind="error" action="Try again" onAction={() => void open()}>
          {error instanceof Error ? error.message : String(error)}
        </Notice>
      </main>,
    );
  }
}

void open();
