"""Where machines come from: one module per type of cloud."""
