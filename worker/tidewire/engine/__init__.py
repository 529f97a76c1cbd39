"""The loops of a worker: claim, execute, complete, keep leases, wake up, maintain."""
