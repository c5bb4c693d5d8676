#ifndef SLUICE_SIMDJSON_H
#define SLUICE_SIMDJSON_H
#ifdef __cplusplus
extern "C" {
#endif
/// How many bytes must be readable behind the JSON text handed to the parser.
int sluice_json_padding(void);
#ifdef __cplusplus
}
#endif
#endif
