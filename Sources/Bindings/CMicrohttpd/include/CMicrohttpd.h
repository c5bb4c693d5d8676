#ifndef SLUICE_MICROHTTPD_H
#define SLUICE_MICROHTTPD_H

// libmicrohttpd with a plain C face: its calls take any number of arguments, which Swift cannot make.

#include <microhttpd.h>

#endif
