"""What well-known ERPs take, as data: one profile for each ERP, in a file of its own, with the source of every limit.

    id = "vista"                      # what `[connection] limits` names; the file is called so
    title = "Vista"
    version = 2026-11-28              # the day of its last change; connections announce it

    [limits.number_characters]        # a member of LimitsProfile
    value = 30
    source = "https://…"              # where it is written; an address, or the name of a document
    doubt = "Documents disagree: …"   # optional: why a connection may have to say otherwise

What nobody has written down is left out: an ERP then refuses by itself. `profiles.py` reads the files.
"""
