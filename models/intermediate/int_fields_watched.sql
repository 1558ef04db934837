-- What every version of a record says about its watched fields; what never changed is not here.
{{ watched_versions() }}
