"""The commands of the `tidewire` program, one a module."""
