#ifndef SLUICE_CURL_H
#define SLUICE_CURL_H

// libcurl with a plain C face: its calls take any number of arguments, which Swift cannot make.

#include <curl/curl.h>

#endif
