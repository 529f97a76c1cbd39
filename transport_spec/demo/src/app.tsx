import type { Session, SupabaseClient } from "@supabase/supabase-js";
import { useEffect, useState } from "react";
import { Conversation } from "./conversation.js";
import { SignIn } from "./sign-in.js";
import { useThreadId } from "./thread-id.js";
import { Wordmark } from "./wordmark.js";

interface AppProps {
  readonly supabase: SupabaseClient;
  readonly modelLabel: string;
}

export function App({ supabase, modelLabel }: AppProps) {
  const session = useSession(supabase);
  const [threadId, startThread] = useThreadId();
  if (session === undefined) return <main className="centred" aria-busy="true" />;
  if (session === null) return <SignIn supabase={supabase} modelLabel={modelLabel} />;
  return (
    <div className="app">
      <header className="bar">
        <Wordmark />
        <ModelLabel label={modelLabel} />
        <nav aria-label="Account">
          <span className="who" title={session.user.email}>
            {session.user.email}
          </span>
          <button type="button" className="quiet" data-testid="new-thread" onClick={startThread}>
            New thread
          </button>
          <button
            type="button"
            className="quiet"
            data-testid="sign-out"
            onClick={() => void supabase.auth.signOut({ scope: "local" })}
          >
            Sign out
          </button>
        </nav>
      </header>
      <Conversation
        key={`${session.user.id}/${threadId}`}
        supabase={supabase}
        userId={session.user.id}
        threadId={threadId}
      />
    </div>
  );
}

export function ModelLabel({ label }: { readonly label: string }) {
  if (label === "") return null;
  return (
    <span className="model" data-testid="model">
      {label}
    </span>
  );
}

/** The session, null when signed out, undefined until it is known. */
function useSession(supabase: SupabaseClient): Session | null | undefined {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, changed) => setSession(changed));
    return () => data.subscription.unsubscribe();
  }, [supabase]);
  return session;
}
