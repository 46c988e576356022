"""BMCs of the sandbox: Redfish and IPMI, one for each node."""
