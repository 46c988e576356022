"""A MAAS region for the sandbox: API 2.0 as MAAS 3.7 serves it, over machines of its own.

Start it with `python -m sandbox.maas` (SANDBOX_HOME and SANDBOX_BLOCK in the environment); it
answers on https://<home.region_address>:5443/MAAS, with a certificate of `Authority`'s CA
(<home>/ca/sandbox-ca.pem). It keeps its state in <home>/maas/region.db. The admin's API key,
`consumer:token:secret`, is in <home>/maas/admin-key (mode 0600, one line), made at first start,
when every node of hardware.yaml is enlisted as New. Machines are switched through their BMCs, so
`python -m sandbox.bmc` should run too; what it powers on plays the machines.
"""
