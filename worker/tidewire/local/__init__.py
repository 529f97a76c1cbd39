"""The embedded Supabase: Postgres, REST and Auth, Realtime, all behind one port."""
