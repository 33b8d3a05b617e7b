-- What a good hand would write in DuckDB for one day of one partner: both files read with every
-- amount, time and status tested by pattern before it is cast, typed Parquet of both sides with the
-- columns and keyed hashes that ours keeps, duplicates within a key, and the classified full join.
-- Written before ours was tuned. $orders, $supply, $prices and $out are filled in; each step
-- begins with its name.

-- step: begin
set variable secret = encode('0123456789abcdef0123456789abcdef');
create or replace temp macro money(t) as case when regexp_full_match(t, '-?\d{1,14}(\.0{1,4})?')
    then try_cast(t as decimal(18, 4)) end;
create or replace temp macro dots(t) as case
    when regexp_full_match(t, '-?(\d{1,3}(\.\d{3}){1,4}|\d{1,14})(,0{1,2})?')
    then try_cast(replace(replace(t, '.', ''), ',', '.') as decimal(18, 4)) end;
create or replace temp macro iso(t) as case
    when regexp_full_match(t, '20\d\d-\d\d-\d\d \d\d:\d\d:\d\d')
    then try_strptime(t, '%Y-%m-%d %H:%M:%S') end;
create or replace temp macro slashes(t) as case
    when regexp_full_match(t, '\d\d/\d\d/20\d\d \d\d:\d\d:\d\d')
    then try_strptime(t, '%d/%m/%Y %H:%M:%S') end;
create or replace temp macro hidden(t) as
    left(sha256(getvariable('secret') || encode(t)), 16) || '~' || right(t, 3);

-- step: intake of orders
copy (
    select * exclude (c_paid, c_at, c_refunded, c_quantity, c_price, c_promo)
    from (
        select
            order_id as ref, partner, channel, product, payment_ref,
            hidden(serial) as serial, hidden(customer) as customer,
            case status when 'SUCCESS' then 'success' when 'FAILED' then 'failed'
                when 'PENDING' then 'pending' when 'REFUNDED' then 'refunded' end as status,
            status as status_raw,
            coalesce(money(quantity), 1) as quantity, quantity as c_quantity,
            money(price) as price, price as c_price,
            money(promo) as discount, promo as c_promo,
            cast(money(price) - coalesce(money(promo), 0) as decimal(18, 4)) as amount,
            iso(paid_at) - interval 7 hours as paid_at, paid_at as c_paid,
            iso(status_at) - interval 7 hours as occurred_at, status_at as c_at,
            iso(refunded_at) - interval 7 hours as refunded_at, refunded_at as c_refunded,
            cast(iso(status_at) as date) as day, cast(iso(paid_at) as date) as paid_day,
            cast(iso(refunded_at) as date) as refund_day
        from read_csv('$orders', auto_detect = false, header = false, skip = 1, delim = ',',
            quote = '"', escape = '"', strict_mode = true, columns = {
                'order_id': 'varchar', 'paid_at': 'varchar', 'partner': 'varchar',
                'channel': 'varchar', 'product': 'varchar', 'quantity': 'varchar',
                'price': 'varchar', 'promo': 'varchar', 'status': 'varchar',
                'status_at': 'varchar', 'refunded_at': 'varchar', 'payment_ref': 'varchar',
                'serial': 'varchar', 'customer': 'varchar'})
    )
    where case when ref is not null and (partner is null or partner = 'AggA')
        and status is not null and price is not null
        and (c_promo is null or discount is not null)
        and (c_quantity is null or quantity is not null)
        and (c_paid is null or paid_at is not null)
        and (c_at is null or occurred_at is not null)
        and (c_refunded is null or refunded_at is not null)
        then true else error('a record has a fault') end
) to '$out/orders.parquet' (format parquet);

-- step: intake of supply
copy (
    select * exclude (c_at, c_debit, c_credit, c_balance, debit, credit)
    from (
        select
            own as partner_ref, ref, orig as orig_ref, product,
            hidden(serial) as serial, hidden(customer) as customer,
            case product when 'TOPUP' then 'topup' when 'REFUND' then 'refund'
                when 'ADJUST' then 'adjustment' else 'usage' end as kind,
            case status when 'SUKSES' then 'success' when 'GAGAL' then 'failed'
                when 'PENDING' then 'pending' end as status,
            status as status_raw,
            slashes(began) - interval 7 hours as created_at, began as c_at,
            cast(slashes(began) as date) as day,
            dots(debit) as debit, debit as c_debit, dots(credit) as credit, credit as c_credit,
            dots(balance) as balance, balance as c_balance,
            cast(coalesce(dots(credit), 0) - coalesce(dots(debit), 0) as decimal(18, 4)) as amount,
            remark as text
        from read_csv('$supply', auto_detect = false, header = false, skip = 3, delim = ';',
            quote = '"', escape = '"', strict_mode = true, columns = {
                'no': 'varchar', 'began': 'varchar', 'own': 'varchar', 'ref': 'varchar',
                'orig': 'varchar', 'product': 'varchar', 'customer': 'varchar',
                'status': 'varchar', 'serial': 'varchar', 'debit': 'varchar',
                'credit': 'varchar', 'balance': 'varchar', 'remark': 'varchar'})
        where no <> 'TOTAL'
    )
    where case when partner_ref is not null and created_at is not null and status is not null
        and (c_debit is null or debit is not null) and (c_credit is null or credit is not null)
        and (c_balance is null or balance is not null)
        and (coalesce(debit, 0) = 0 or coalesce(credit, 0) = 0)
        and (status <> 'success' or c_debit is not null or c_credit is not null)
        then true else error('a record has a fault') end
) to '$out/supply.parquet' (format parquet);

-- step: duplicates within a key
select count(*) from (
    select ref from '$out/orders.parquet' group by ref having count(*) > 1);
select count(*) from (
    select partner_ref from '$out/supply.parquet' group by partner_ref having count(*) > 1);

-- step: join
create or replace temp table prices as
select * from read_csv('$prices', header = true, columns = {
    'product': 'varchar', 'category': 'varchar', 'face': 'decimal(18, 4)',
    'cost': 'decimal(18, 4)', 'valid_from': 'varchar', 'valid_to': 'varchar'});
-- Of the rows of one order the one with the sale's serial is its delivery, else a success before a
-- failure, else the earliest.
create or replace temp table twice as
select ref from '$out/supply.parquet' where kind = 'usage' and ref is not null
group by ref having count(*) > 1;
create or replace temp table extra as
select partner_ref from (
    select s.partner_ref, row_number() over (partition by s.ref order by
        coalesce(s.serial = o.serial, false) desc, s.status = 'success' desc,
        s.created_at, s.partner_ref) as place
    from '$out/supply.parquet' s
    join twice using (ref)
    left join (select ref, serial from '$out/orders.parquet' semi join twice using (ref)) o
        using (ref)
    where s.kind = 'usage')
where place > 1;
copy (
    with sale as (
        select ref, o.status, paid_at, occurred_at, o.serial, p.category,
            cast(case when o.status = 'success' then p.cost * o.quantity else 0 end
                as decimal(18, 4)) as expected,
            file_row_number + 1 as record,
            cast(coalesce(occurred_at, paid_at) + interval 8 hours as date) as partner_day
        from read_parquet('$out/orders.parquet', file_row_number = true) o
        left join prices p using (product)
        where o.partner = 'AggA' and o.day = date '2026-03-02'
    ), delivery as (
        select ref, status, partner_ref, file_row_number + 1 as record,
            cast(case when status = 'success' then -amount else 0 end as decimal(18, 4)) as charged,
            created_at, cast(created_at + interval 8 hours as date) as partner_day,
            case when partner_ref in (select partner_ref from extra) then partner_ref else '' end
                as occurrence
        from read_parquet('$out/supply.parquet', file_row_number = true)
        where kind = 'usage'
    ), pair as (
        select coalesce(s.ref, d.ref) as ref, coalesce(d.occurrence, '') as occurrence,
            s.record as left_record, s.status as left_status, s.expected, s.category, s.serial,
            s.occurred_at, s.partner_day as left_day,
            d.record as right_record, d.partner_ref, d.status as right_status, d.charged,
            d.created_at, d.partner_day as right_day,
            coalesce(d.charged, 0) - coalesce(s.expected, 0) as rest
        from sale s full join delivery d on s.ref = d.ref and d.occurrence = ''
    )
    select *, case
        when rest = 0 and (left_status = 'pending' or right_status = 'pending') then 'pending'
        when rest = 0 and left_status is null then 'excluded'
        when rest = 0 then 'matched'
        when occurrence <> '' and rest > 0 then 'duplicate_delivery'
        when left_status = 'success' and right_status is null
            then if(left_day > date '2026-03-02', 'timing', 'missing_at_partner')
        when left_status = 'success' and right_status = 'pending' then 'timing'
        when left_status = 'success' and right_status = 'success' then 'cost_mismatch'
        when left_status = 'success' then 'partner_failed'
        when left_status = 'pending' and right_status = 'success' then 'timing'
        when left_status in ('failed', 'refunded') then 'late_success'
        when left_status is null
            then if(right_day > date '2026-03-02', 'timing', 'missing_at_platform')
        else 'unexplained_movement' end as class
    from pair
) to '$out/classified.parquet' (format parquet);

-- step: counts
select class, count(*) as n, sum(rest) as rest from '$out/classified.parquet'
group by class order by class;
