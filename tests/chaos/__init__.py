"""The operator as a process, an API server behind a proxy that misbehaves as told, and a judge of what came of it."""
