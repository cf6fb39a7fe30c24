"""Every client in every mode against the truth server: is each call counted, and rightly?

    python -m tests.matrix [--only openai] [--world alone] [--lifecycle stream]
"""
