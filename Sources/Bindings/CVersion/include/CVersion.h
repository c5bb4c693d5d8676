// Which version this is. The commit comes from the build as a define, so that a new commit rebuilds this file only.
#ifndef CVERSION_H
#define CVERSION_H

const char *sluice_commit(void);

#endif
