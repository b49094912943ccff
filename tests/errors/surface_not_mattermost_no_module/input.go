No go.mod: some other folder.

-- go.mod --
