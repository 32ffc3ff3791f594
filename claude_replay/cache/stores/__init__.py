"""Where entries are kept; each store is one module and passes tests/cache/contract.py."""
