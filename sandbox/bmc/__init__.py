"""The BMCs of the sandbox's bare metal, and the machines that they switch.

Start them with `python -m sandbox.bmc` (SANDBOX_HOME and SANDBOX_BLOCK in the environment). Each
node's BMC is on home.bmc_address(N): Redfish on TCP 443 (TLS, certificate of `Authority`'s CA) or
IPMI 2.0 on UDP 623, with an account of its own from <home>/bmc/credentials.json. The hardware is
that of hardware.yaml (<home>/hardware.yaml wins over the packaged one). `sandbox.bmc.faults` makes
a BMC dead, slow, busy or ill, or changes its password, on purpose.
"""
