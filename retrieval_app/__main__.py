"""`python -m retrieval_app` is the command `lookalike`."""

from retrieval_app.cli import main

if __name__ == "__main__":
    main()
