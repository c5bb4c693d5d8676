-- SQL names for abfss://raw@lake1.dfs.core.windows.net, made by Sluice: sluice map, job shop.names.
-- Written for Databricks. May be run again at any time; run the mapping again when the lake has changed.

CREATE SCHEMA IF NOT EXISTS `shop`;

DROP TABLE IF EXISTS `shop`.`go]ne`;

DROP TABLE IF EXISTS `shop`.`long gone`;

CREATE TABLE IF NOT EXISTS `shop`.`2F6913DB_CAN2` (
    `t` TIMESTAMP,
    `Speed` DOUBLE,
    `Gear]` STRING,
    `year` INT,
    `month` INT,
    `day` INT
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet')
PARTITIONED BY (`year`, `month`, `day`)
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/2F6913DB/CAN2'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names e0aa9607568f4a82');

ALTER TABLE `shop`.`2F6913DB_CAN2` ADD IF NOT EXISTS
    PARTITION (`year` = 2024, `month` = 05, `day` = 01) LOCATION 'abfss://raw@lake1.dfs.core.windows.net/2F6913DB/CAN2/2024/05/01'
    PARTITION (`year` = 2024, `month` = 05, `day` = 02) LOCATION 'abfss://raw@lake1.dfs.core.windows.net/2F6913DB/CAN2/2024/05/02';

CREATE TABLE IF NOT EXISTS `shop`.`alone` (
    `id` BIGINT
)
USING parquet
OPTIONS (pathGlobFilter 'alone.parquet')
LOCATION 'abfss://raw@lake1.dfs.core.windows.net'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names 2d93419b928d085e');

CREATE TABLE IF NOT EXISTS `shop`.`holes` (
    `id` BIGINT,
    `year` INT,
    `month` INT,
    `day` INT
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet', ignoreCorruptFiles 'true')
PARTITIONED BY (`year`, `month`, `day`)
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/holes'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names 2ed6e278d7c7020b');

ALTER TABLE `shop`.`holes` ADD IF NOT EXISTS
    PARTITION (`year` = 2024, `month` = 01, `day` = 01) LOCATION 'abfss://raw@lake1.dfs.core.windows.net/holes/2024/01/01';

CREATE TABLE IF NOT EXISTS `shop`.`mixed` (
    `id` BIGINT
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet')
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/mixed'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names 23eeaa87fb6592b9');

CREATE TABLE IF NOT EXISTS `shop`.`o_brien____x___y___DROP_TABLE_z___` (
    `a'b` INT,
    `c"d` BOOLEAN,
    `e]f``g` DATE
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet')
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/o\'brien\\]\\] "x" `y`; DROP TABLE z --'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names d42a952ce961a9e0');

CREATE TABLE IF NOT EXISTS `shop`.`sales` (
    `id` BIGINT,
    `amount` DECIMAL(14,2),
    `country` STRING
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet')
PARTITIONED BY (`country`)
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/sales'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names 14565f410a7be658');

ALTER TABLE `shop`.`sales` ADD IF NOT EXISTS
    PARTITION (`country` = null) LOCATION 'abfss://raw@lake1.dfs.core.windows.net/sales/country=__HIVE_DEFAULT_PARTITION__'
    PARTITION (`country` = 'de') LOCATION 'abfss://raw@lake1.dfs.core.windows.net/sales/country=de';

CREATE TABLE IF NOT EXISTS `shop`.`types` (
    `a` TINYINT,
    `b` SMALLINT,
    `c` SMALLINT,
    `d` BIGINT,
    `e` DECIMAL(20,0),
    `f` FLOAT,
    `g` BINARY,
    `h` BINARY,
    `i` STRING,
    `j` BIGINT,
    `k` BIGINT,
    `l` ARRAY<INT>,
    `m` STRUCT<`x`: BIGINT>,
    `n` INT
)
USING parquet
OPTIONS (pathGlobFilter '*.parquet')
LOCATION 'abfss://raw@lake1.dfs.core.windows.net/types'
TBLPROPERTIES ('sluice.map' = 'sluice map shop.names 57b67a886a757bf2');
