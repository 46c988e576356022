"""What every stand-in runs; packed into its charm as src/runtime.

Only the standard library, and of that only what is quick to import: a stand-in's hook should
cost little more than starting Python.
"""
