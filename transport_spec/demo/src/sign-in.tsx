import type { AuthError, SupabaseClient } from "@supabase/supabase-js";
import { type FormEvent, useState } from "react";
import { ModelLabel } from "./app.js";
import { Notice } from "./notice.js";
import { Wordmark } from "./wordmark.js";

interface SignInProps {
  readonly supabase: SupabaseClient;
  readonly modelLabel: string;
}

export function SignIn({ supabase, modelLabel }: SignInProps) {
  const [notice, setNotice] = useState<{ kind: "error" | "info"; text: string } | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const submitter = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const fields = new FormData(event.currentTarget);
    const credentials = {
      email: String(fields.get("email")).trim(),
      password: String(fields.get("password")),
    };
    setBusy(true);
    setNotice(null);
    const creating = submitter?.value === "sign-up";
    const { data, error } = creating
      ? await supabase.auth.signUp(credentials)
      : await supabase.auth.signInWithPassword(credentials);
    setBusy(false);
    if (error) setNotice({ kind: "error", text: wordsFor(error) });
    else if (!data.session) {
      setNotice({ kind: "info", text: "Follow the link in the e-mail we sent, then sign in." });
    }
  }

  return (
    <main className="centred">
      <form className="card" onSubmit={(event) => void submit(event)} aria-busy={busy}>
        <Wordmark />
        <h1>Ask, and watch the answer arrive.</h1>
        <p className="lead">
          Each question runs a durable flow. Reload, lose the network or close the lid: the answer
          goes on where you left it.
        </p>
        <label>
          E-mail
          <input
            name="email"
            type="email"
            autoComplete="username"
            required
            data-testid="email"
            disabled={busy}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete="current-password"
            minLength={6}
            required
            data-testid="password"
            disabled={busy}
          />
        </label>
        {notice && <Notice kind={notice.kind}>{notice.text}</Notice>}
        <div className="pair">
          <button type="submit" value="sign-in" data-testid="sign-in" disabled={busy}>
            Sign in
          </button>
          <button
            type="submit"
            value="sign-up"
            className="quiet"
            data-testid="sign-up"
            disabled={busy}
          >
            Create account
          </button>
        </div>
        <ModelLabel label={modelLabel} />
      </form>
    </main>
  );
}

function wordsFor(error: AuthError): string {
  // Auth does not tell which of the two is wrong, so that nobody learns who has an account.
  if (error.code !== "invalid_credentials") return error.message;
  return "No account has this e-mail with this password. New here? Choose “Create account”.";
}
