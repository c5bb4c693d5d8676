#include "CSimdjson.h"

#include <simdjson.h>

extern "C" int sluice_json_padding(void) { return simdjson::SIMDJSON_PADDING; }
