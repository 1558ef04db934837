"""A small dealership written by hand, as rows of native csv, for tests that change it row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

Rows = dict[str, list[dict[str, str]]]

#: The day the first delivery speaks for.
EXPORTED = "2026-04-30"

TABLES = {
    "crm_leads": """
lead_id,received_at,source,channel,intent,customer_id,email,phone,vin,stock_number,owner,stage,quality
L1,2026-01-05T10:00:00,AutoMarkt,portal,buy,C1,a@x.example,+999 1,,,E1,won,good
L2,2026-01-10T18:50:00,Website,web_form,test_drive,C2,b@x.example,+999 2,,S2,E1,won,
L3,2026-02-07T18:40:00,WhatsApp,whatsapp,buy,C3,c@x.example,+999 3,,,E2,contacted,good
L4,2026-02-20T12:00:00,Phone,phone,finance,C4,d@x.example,+999 4,,S4,E2,won,good
L5,2026-03-28T23:30:00,Showroom,walk_in,trade_in,C1,a@x.example,+999 1,,,,new,
L6,2026-03-30T08:00:00,E-mail,email,service,C6,e@x.example,+999 6,,,E1,lost,bad
L7,2026-03-29,Referral,referral,buy,C7,f@x.example,+999 7,,,E3,new,good
L8,2026-04-02T09:05:00,Website,web_form,buy,C2,b@x.example,+999 2,,,E3,contacted,duplicate
""",
    "crm_activities": """
activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome,duration_seconds,employee
A1,L1,C1,2026-01-05T10:01:00,out,email,true,false,sent,,E1
A2,L1,C1,2026-01-05T10:25:30,out,call,false,false,connected,65,E1
A3,L2,C2,2026-01-12T09:10:00,out,email,false,false,sent,,E1
A4,L2,C2,2026-01-12T11:00:00,in,email,false,false,sent,,
A5,L3,C3,2026-02-09T09:25:00,out,whatsapp,false,false,sent,,E2
A6,L3,C3,2026-02-09T15:00:00,in,whatsapp,false,false,sent,,
A7,L4,C4,2026-02-20T12:05:00,out,call,false,false,no_answer,0,E2
A8,L4,C4,2026-02-21T10:00:00,out,call,false,false,connected,8,E2
A9,L4,C4,2026-02-23T10:00:00,out,call,false,false,connected,120,E2
A10,L6,C6,2026-03-30T09:30:00,out,sms,false,true,sent,,E1
A11,L8,C2,2026-04-02T09:50:00,out,email,false,false,sent,,E3
""",
    "crm_appointments": """
appointment_id,lead_id,customer_id,kind,created_at,starts_at,status,shown_at,cancelled_at,rescheduled_from,employee
P1,L1,C1,sales_visit,2026-01-06T09:00:00,2026-01-08T10:00:00,shown,2026-01-08T10:05:00,,,E1
P2,L2,C2,test_drive,2026-01-12T11:30:00,2026-01-15T15:00:00,rescheduled,,,,E1
P3,L2,C2,test_drive,2026-01-14T11:30:00,2026-01-20T15:00:00,no_show,,,P2,E1
P4,L3,C3,sales_visit,2026-02-10T09:00:00,2026-02-14T10:00:00,cancelled,,2026-02-12T10:00:00,,E2
P5,L4,C4,sales_visit,2026-02-23T10:10:00,2026-02-27T10:00:00,booked,2026-02-27T10:02:00,,,E2
P6,L8,C2,sales_visit,2026-04-03T10:10:00,2026-04-29T10:00:00,booked,,,,E3
""",
    "dms_vehicles": """
stock_number,vin,make,model,condition,use,vat_scheme,acquired_on,purchase_price,currency,rate,arrived_on,removed_on
S1,V1,Ford,Focus,used,retail,margin,2025-12-20,5000.00,GBP,,2025-12-22,2026-01-20
S2,V2,Kia,Ceed,new,retail,standard,2025-12-28,14000.00,EUR,0.85,2026-01-02,2026-02-02
S3,V3,Ford,Kuga,used,consignment,,2026-01-10,,GBP,,2026-01-10,2026-02-20
S4,V4,Opel,Astra,used,retail,standard,2026-01-15,,GBP,,2026-01-16,2026-03-10
S5,V5,Kia,Ceed,used,retail,margin,2026-02-01,7000.00,GBP,,2026-02-01,
F1,V6,Ford,Focus,used,rental,standard,2025-11-01,,GBP,,2025-11-03,
F2,V7,Opel,Corsa,new,courtesy,standard,2026-01-10,,GBP,,2026-01-12,2026-04-10
F3,V8,Opel,Corsa,new,demo,standard,2026-02-01,,GBP,,2026-02-01,
""",
    "dms_vehicle_events": """
event_id,stock_number,occurred_at,status
V1,F1,2026-01-05T08:00:00,out_of_service
V2,F1,2026-01-09T12:30:00,ready
V3,F2,2026-03-27T18:00:00,in_recon
V4,F2,2026-03-30T09:00:00,ready
V5,F3,2026-04-25T07:15:00,awaiting_parts
""",
    "dms_vehicle_costs": """
cost_id,stock_number,posted_on,category,amount,currency,rate
K1,S1,2025-12-20,purchase,5000.00,GBP,
K2,S1,2026-01-02,recon,300.00,GBP,
K3,S1,2026-02-05,recon,120.00,GBP,
K4,S2,2026-01-03,transport,250.55,EUR,0.85
K5,S2,2026-01-05,pack,100.00,GBP,
K6,S4,2026-01-20,recon,410.10,GBP,
K7,S4,2026-04-02,damage,75.25,GBP,
K8,S5,2026-02-03,purchase,7000.00,GBP,
""",
    "dms_deals": """
deal_number,stock_number,vin,customer_id,lead_id,deal_type,status,contract_on,finalised_on,delivered_on,reversed_on,\
sale_price,currency,rate,vat_scheme,vehicle_cost,commission,trade_allowance,trade_acv,finance_company,salesperson,\
second_salesperson
D1,S1,V1,C1,L1,retail,delivered,2026-01-12,2026-01-15,2026-01-17,,6200.00,GBP,,,,,,,,E1,
D2,S2,V2,C2,L2,retail,delivered,2026-01-20,2026-01-28,2026-01-30,,15995.00,GBP,,,,,2000.00,2500.00,FC,E1,E2
D3,S3,V3,,,retail,delivered,2026-02-10,2026-02-15,2026-02-18,,8000.00,GBP,,,,650.00,,,,E2,
D4,S4,V4,C4,L4,lease,unwound,2026-02-25,2026-03-05,2026-03-06,2026-04-05,9995.00,GBP,,standard,8000.00,,,,FC,E2,
D5,S5,V5,,,wholesale,finalised,2026-03-20,2026-03-21,2026-03-22,,7600.00,GBP,,margin,,,,,,E3,
D6,S5,V5,C1,L5,retail,booked,2026-04-20,,,,8400.00,GBP,,margin,,,,,,E3,
""",
    "dms_deal_products": """
deal_number,line,product,gross_side,sale,cost,booked_on,cancelled_on,chargeback,chargeback_on
D1,1,warranty,back,350.00,140.00,2026-01-12,,,
D1,2,fee,none,99.00,0.00,2026-01-12,,,
D2,1,accessory,front,410.00,222.22,2026-01-20,,,
D2,2,finance_reserve,back,840.00,0.00,2026-01-20,2026-03-15,210.00,2026-03-18
D3,1,gap,back,200.00,80.00,2026-02-10,,,
D4,1,insurance,back,300.00,111.11,2026-02-25,,,
""",
    "dms_rentals": """
agreement_number,stock_number,kind,out_at,due_back_at,returned_at,revenue,currency
H1,F1,rental,2026-01-02T09:00:00,2026-01-06T09:00:00,2026-01-05T17:30:00,160.00,GBP
H2,F1,rental,2026-03-27T10:00:00,2026-04-03T10:00:00,2026-04-03T11:00:00,310.01,GBP
H3,F1,rental,2026-04-02T10:00:00,2026-04-05T10:00:00,2026-04-05T10:00:00,90.00,GBP
H4,F2,courtesy,2026-02-01T08:30:00,2026-02-03T08:30:00,2026-02-03T08:00:00,,GBP
H5,F3,demo,2026-04-20T08:30:00,2026-04-22T08:30:00,,,GBP
H6,S5,rental,2026-03-01T08:30:00,2026-03-02T08:30:00,2026-03-02T08:30:00,40.00,GBP
""",
    "dms_claims": """
claim_number,kind,deal_number,stock_number,vin,opened_at,status
Q1,warranty,D1,,,2026-02-20T10:00:00,closed
Q2,goodwill,,S2,,2026-04-15T10:00:00,open
Q3,return,,,V4,2026-03-20T10:00:00,accepted
Q4,damage,D3,,,2026-03-01T10:00:00,open
Q5,warranty,,,,2026-03-02T10:00:00,open
""",
    "dms_invoices": """
invoice_number,kind,schedule,customer_id,posted_on,due_on,terms_days,amount,currency,rate,deal_number,credits_invoice
I1,invoice,,C1,2026-01-10,2026-02-09,,1000.00,GBP,,,
I2,credit_note,,C1,2026-03-20,,,100.00,GBP,,,I1
I3,invoice,parts_account,C9,2026-02-01,,30,450.45,GBP,,,
I4,invoice,contract_in_transit,FC,2026-03-06,,,9000.00,GBP,,D4,
I5,invoice,,C2,2026-02-15,,,900.00,EUR,0.85,,
I6,invoice,wholesale,W1,2026-03-22,2026-03-29,,7600.00,GBP,,D5,
I7,credit_note,parts_account,C9,2026-03-01,,,50.00,GBP,,,
I8,invoice,employee,,2026-04-01,,,33.33,GBP,,,
""",
    "dms_instalments": """
invoice_number,instalment,due_on,amount
I5,1,2026-03-01,300.00
I5,2,2026-04-01,300.00
I5,3,2026-05-01,250.00
""",
    "dms_payments": """
payment_number,kind,schedule,customer_id,posted_on,amount,currency,rate
Y1,,,C1,2026-03-01,400.00,GBP,
Y2,,parts_account,C9,2026-03-05,200.45,GBP,
Y3,,,C2,2026-03-02,350.00,EUR,0.85
Y4,refund,,C1,2026-04-10,60.00,GBP,
Y5,,wholesale,W1,2026-04-02,7700.00,GBP,
Y6,returned,,C9,2026-04-12,200.45,GBP,
""",
    "dms_allocations": """
allocation_id,kind,from_document,to_document,allocated_on,amount
X1,,Y1,I1,2026-03-01,400.00
X2,,Y2,I3,2026-03-05,200.45
X3,,Y3,I5,2026-03-02,350.00
X4,,Y5,I6,2026-04-02,7700.00
X5,,I7,I3,2026-03-10,50.00
X6,write_off,,I3,2026-04-15,10.00
""",
}

#: Per feed the columns that name a row beside its rooftop.
KEYS = {
    feed: ("deal_number", "line")
    if feed == "dms_deal_products"
    else ("invoice_number", "instalment")
    if feed == "dms_instalments"
    else (table.split(",", 1)[0].strip(),)
    for feed, table in TABLES.items()
}


def scene() -> Rows:
    """The rows of every feed, without their rooftop; fresh ones at each call."""
    return {feed: list(csv.DictReader(io.StringIO(table.strip()))) for feed, table in TABLES.items()}


def as_csv(rows: Iterable[Mapping[str, str]], columns: Iterable[str]) -> str:
    """Rows as the text of a csv file with exactly these columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
