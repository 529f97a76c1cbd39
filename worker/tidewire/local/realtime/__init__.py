"""The embedded Realtime server: Supabase's channel protocol on one asyncio process."""
