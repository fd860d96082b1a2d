"""Drive the real reference client against a model endpoint of our own.

Used by `tools/record_fixtures.py` and by the interop tests; standard library only, and it never
imports `rollout`: what it observes is the oracle that `rollout` is compared with.
Put `tools/` on the import path and start from `refclient.rpc.AppServer` or `refclient.capture`.
"""
