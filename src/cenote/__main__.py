"""`python -m cenote` is `cenote`."""

from cenote.cli.main import main

if __name__ == "__main__":
    main()
