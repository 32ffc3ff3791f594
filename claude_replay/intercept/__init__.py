"""How requests to Claude are caught inside this process: network guard, shared TLS contexts, transports."""
