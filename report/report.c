#include "report/report.h"

#include <string.h>

static const struct {
    const char *name, *suffix;
    report_form form;
} forms[] = {
    {"human", ".txt", report_text},       {"json", ".json", report_json},
    {"csv", ".csv", report_csv},          {"markdown", ".md", report_markdown},
    {"html", ".html", report_html},
};

report_form report_named(const char *name)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(forms); i++) {
        if (strcmp(name, forms[i].name) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

report_form report_of_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < FYKE_ARRAY_LEN(forms); i++) {
        if (strcmp(dot, forms[i].suffix) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}
