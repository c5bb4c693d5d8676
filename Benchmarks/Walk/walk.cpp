// The floor under a sales report: a bare simdjson On-Demand walk that reads the fields a report reads, in the order in
// which they stand, and does nothing with them but add them up. One thread.
//
//     walk FILE [ROUNDS]   does it so often, and prints the best and the median of the walk alone (the file in memory,
//                          the parser's memory warm) and of load and walk (as a program would that does nothing else)
//     walk --once FILE     loads and walks once, as a whole program
//     walk --serve FILE    prints "ready", then for every line on standard input "whole whole-CPU alone alone-CPU": load and
//                          walk, and the walk alone, in seconds of the clock and of the processor

#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

using namespace simdjson;

namespace {

/// What is added up, so that no reading can be left out.
struct Sums {
    uint64_t records = 0, items = 0, characters = 0;
    int64_t quantity = 0;
    double money = 0;

    void text(ondemand::value value) {
        std::string_view view = value.get_string();
        characters += view.size() + static_cast<unsigned char>(view.empty() ? 0 : view.back());
    }
    void amount(ondemand::value value) { money += value.get_double(); }
};

Sums walk(ondemand::parser &parser, const padded_string &json) {
    Sums sums;
    ondemand::document document = parser.iterate(json);
    for (ondemand::object sale : document.find_field("transactions").get_array()) {
        sums.records++;
        sums.text(sale.find_field("transaction_id"));
        sums.text(sale.find_field("timestamp"));
        ondemand::object customer = sale.find_field("customer");
        sums.text(customer.find_field("customer_id"));
        sums.text(customer.find_field("name"));
        sums.text(customer.find_field("email"));
        for (ondemand::object item : sale.find_field("line_items").get_array()) {
            sums.items++;
            sums.text(item.find_field("product_id"));
            sums.text(item.find_field("product_name"));
            sums.text(item.find_field("category"));
            sums.quantity += item.find_field("quantity").get_int64();
            sums.amount(item.find_field("unit_price"));
            sums.amount(item.find_field("discount"));
            sums.amount(item.find_field("subtotal"));
        }
        sums.amount(sale.find_field("subtotal"));
        sums.amount(sale.find_field("tax"));
        sums.amount(sale.find_field("shipping_cost"));
        sums.amount(sale.find_field("total"));
        sums.text(sale.find_field("payment_method"));
        sums.text(sale.find_field("shipping_method"));
        sums.text(sale.find_field("status"));
    }
    return sums;
}

/// Seconds of the clock, and of the processor, which tell more on a machine that has other work.
struct Time {
    double wall, cpu;

    static Time now() {
        auto seconds = [](clockid_t clock) {
            timespec time;
            clock_gettime(clock, &time);
            return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
        };
        return {seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
    }
    Time since(Time start) const { return {wall - start.wall, cpu - start.cpu}; }
};

struct Round {
    Time time;
    Sums sums;
};

/// Loads and walks with nothing that was there before, and lets go of it, as a program does at its end.
Round afresh(const char *path) {
    Time start = Time::now();
    Sums sums;
    {
        padded_string json = padded_string::load(path);
        ondemand::parser parser;
        sums = walk(parser, json);
    }
    return {Time::now().since(start), sums};
}

double median(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    size_t middle = times.size() / 2;
    return times.size() % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
}

void tell(const char *what, const std::vector<double> &times) {
    std::printf("%-14s best %8.4f s, median %8.4f s\n", what, *std::min_element(times.begin(), times.end()),
                median(times));
}

/// The walk alone, of a file that stays in memory.
struct Warm {
    padded_string json;
    ondemand::parser parser;

    explicit Warm(const char *path) : json(padded_string::load(path)) { walk(parser, json); }

    Time round() {
        Time start = Time::now();
        if (walk(parser, json).records == 0) std::fprintf(stderr, "no transactions\n");
        return Time::now().since(start);
    }
};

} // namespace

int main(int count, char **words) try {
    bool serves = count == 3 && std::strcmp(words[1], "--serve") == 0;
    bool once = count == 3 && std::strcmp(words[1], "--once") == 0;
    if (count < 2 || count > 3) {
        std::fprintf(stderr, "usage: walk FILE [ROUNDS] | walk --once FILE | walk --serve FILE\n");
        return 64;
    }
    const char *path = words[serves || once ? 2 : 1];
    if (once) {
        std::printf("%llu transactions\n", (unsigned long long)afresh(path).sums.records);
        return 0;
    }
    Warm warm(path);
    if (serves) {
        std::printf("ready\n");
        std::fflush(stdout);
        for (std::string line; std::getline(std::cin, line);) {
            Time whole = afresh(path).time, alone = warm.round();
            std::printf("%.6f %.6f %.6f %.6f\n", whole.wall, whole.cpu, alone.wall, alone.cpu);
            std::fflush(stdout);
        }
        return 0;
    }
    int rounds = count == 3 ? std::max(1, std::atoi(words[2])) : 7;
    std::vector<double> alone, whole;
    Sums sums;
    for (int index = 0; index < rounds; index++) {
        alone.push_back(warm.round().wall);
        Round round = afresh(path);
        whole.push_back(round.time.wall);
        sums = round.sums;
    }
    std::printf("%s: %llu transactions, %llu items, %lld pieces, sum %.2f, checksum %llu; simdjson %s (%s)\n", path,
                (unsigned long long)sums.records, (unsigned long long)sums.items, (long long)sums.quantity, sums.money,
                (unsigned long long)sums.characters, SIMDJSON_STRINGIFY(SIMDJSON_VERSION),
                get_active_implementation()->name().c_str());
    tell("walk alone", alone);
    tell("load and walk", whole);
    return 0;
} catch (const simdjson_error &error) {
    std::fprintf(stderr, "walk: %s\n", error.what());
    return 1;
}
