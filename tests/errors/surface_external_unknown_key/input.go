A key that no entry has.

-- overrides.toml --
[external."time.Time"]
import = "time"
builtin = "timestamp"
reason = "A point in time."
why = "A point in time."
