import type { SupabaseClient } from "@supabase/supabase-js";

// biome-ignore lint/suspicious/noExplicitAny: a client typed for any database must fit.
export type Supabase = SupabaseClient<any, any, any, any, any>;
