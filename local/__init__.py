"""The whole connector on one machine: emulated AWS, PEX and Procore simulators, and the demo story."""
