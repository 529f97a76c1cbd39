import type { SupabaseClient } from "@supabase/supabase-js";

// A client typed for any database must fit.
export type Supabase = SupabaseClient<any, any, any, any, any>;
