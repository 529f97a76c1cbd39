"""Brings Tidewire's tables and functions into a project's database."""
