/* json: see json.h. Texts are UTF-8 already: libyaml refuses what is not. */
#include "json.h"

static void begin(struct json *json, const char *key)
{
    if (json->comma)
        (void)fputc(',', json->stream);
    json->comma = true;
    if (key)
        (void)fprintf(json->stream, "\"%s\":", key);
}

void json_open(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    (void)fputc(bracket, json->stream);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    (void)fputc(bracket, json->stream);
    json->comma = true;
}

void json_line(struct json *json)
{
    if (json->comma)
        (void)fputc(',', json->stream);
    json->comma = false;
    (void)fputs("\n  ", json->stream);
}

void json_text(struct json *json, const char *key, const char *text)
{
    begin(json, key);
    (void)fputc('"', json->stream);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            (void)fprintf(json->stream, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            (void)fprintf(json->stream, "\\u%04x", (unsigned char)*text);
        else
            (void)fputc(*text, json->stream);
    }
    (void)fputc('"', json->stream);
}

void json_hex(struct json *json, const char *key, const uint8_t *bytes, size_t length)
{
    begin(json, key);
    (void)fputc('"', json->stream);
    for (size_t i = 0; i < length; i++)
        (void)fprintf(json->stream, "%02x", bytes[i]);
    (void)fputc('"', json->stream);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
    begin(json, key);
    (void)fprintf(json->stream, "%llu", (unsigned long long)number);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    (void)fputs(value ? "true" : "false", json->stream);
}

void json_decimal(struct json *json, const char *key, double number)
{
    begin(json, key);
    (void)fprintf(json->stream, "%.3f", number);
}
