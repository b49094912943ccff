A declared type that nothing uses.

-- overrides.toml --
[external."time.Time"]
import = "time"
builtin = "timestamp"
why = "A point in time."
