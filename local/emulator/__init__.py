"""The emulated AWS: ministack, with Python functions under the real Lambda runtime client and state machines on moto's
Step Functions interpreter. Runs in a virtual environment of its own (`.venv-local`), pinned exactly."""
