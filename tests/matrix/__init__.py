"""Every client in every mode against the truth server: is each call counted, and rightly?

    python -m tests.matrix [--only openai_chat] [--place alone] [--on off] [--lifecycle stream]
"""
