"""What the turn machine is made of: states, and what becomes of them. Pure."""
