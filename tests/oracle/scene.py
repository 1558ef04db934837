"""A small dealership written by hand, as rows of native csv, for tests that change it row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from tests.oracle.exports import contracts

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
    "crm_tasks": """
task_id,lead_id,kind,created_at,due_at,completed_at,employee
T1,L1,call_back,2026-01-05T10:30:00,2026-01-06T17:00:00,2026-01-06T16:59:59,E1
T2,L1,follow_up,2026-01-16T09:00:00,2026-01-20T17:00:00,2026-01-21T09:00:00,E1
T3,L2,call_back,2026-01-12T09:15:00,2026-01-14,2026-01-14T19:00:00,E1
T4,L5,trade,2026-03-28T23:40:00,2026-03-30T12:00:00,,
T5,L7,call_back,2026-04-01T09:00:00,2026-05-02T12:00:00,,E3
""",
    "crm_quotes": """
quote_id,lead_id,stock_number,requested_at,sent_at,amount,currency,approval_status,approved_by,approved_at,valid_until
U1,L1,S1,2026-01-06T10:00:00,2026-01-06T16:00:00,6200.00,GBP,not_required,,,2026-01-20
U2,L2,S2,2026-01-12T12:00:00,2026-01-14T12:00:01,15995.00,GBP,approved,E9,2026-01-13T11:30:00,
U3,L3,,2026-02-09T16:00:00,2026-02-10T09:00:00,7000.00,GBP,rejected,E9,,
U4,L4,S4,2026-02-23,2026-02-24T08:00:00,9995.00,GBP,approved,E9,2026-02-25T10:00:00,
U5,L7,S5,2026-04-10T12:00:00,,8400.00,GBP,pending,,,
""",
    "crm_appraisals": """
appraisal_id,lead_id,vin,requested_at,offered_at,offer,acv,currency
B1,L2,,2026-01-10T19:00:00,2026-01-12T10:30:00,2400.00,2500.00,GBP
B2,L5,,2026-03-28T23:45:00,2026-03-30T10:00:00,900.00,950.00,GBP
B3,L1,,2026-04-01,,,,GBP
""",
    "crm_surveys": """
survey_id,customer_id,about,reference,sent_at,responded_at,score,scale_min,scale_max
N1,C1,sale,D1,2026-01-20T10:00:00,2026-01-22T10:00:00,9,0,10
N2,C2,sale,D2,2026-02-02T10:00:00,2026-04-03T10:00:00,4,1,5
N3,C4,service,R1,2026-03-10T10:00:00,2026-03-11T10:00:00,,1,5
N4,C9,service,R2,2026-03-12T10:00:00,,,1,5
""",
    "crm_spend": """
month,source,amount,currency
2026-01-01,AutoMarkt,310.00,GBP
2026-02-01,AutoMarkt,280.00,GBP
2026-02-01,Website,99.99,GBP
2026-03-01,a friend,50.00,GBP
2026-04-01,Website,120.00,EUR
""",
    "crm_customers": """
customer_id,name,kind,email,phone,merged_into,employee,active
C1,One,individual,a@x.example,+999 1,,E1,true
C2,Two,individual,b@x.example,+999 2,,E1,true
C3,Three,individual,c@x.example,+999 3,C2,E2,true
C4,Four,individual,d@x.example,+999 4,,E2,false
C7,Seven,individual,b@x.example,,,E8,true
""",
    "crm_employees": """
employee,name,role,active_from,active_to
E1,Anne,sales,2020-01-01,
E2,Bob,sales,2020-01-01,2026-03-31
E3,Cleo,sales,2020-01-01,
E9,Dora,manager,2020-01-01,
""",
    "dms_repair_orders": """
ro_number,vin,customer_id,advisor,opened_at,first_promised_at,promised_at,completed_at,closed_at,voided,comeback_of,\
waiting_for_parts
R1,V1,C1,A1,2026-02-02T08:00:00,2026-02-02T17:00:00,2026-02-02T17:00:00,2026-02-02T16:30:00,2026-02-03T09:00:00,\
false,,false
R2,V2,C2,A1,2026-02-10T08:00:00,,2026-02-11T17:00:00,2026-02-12T10:00:00,2026-02-12T11:00:00,false,,true
R3,V1,C1,A2,2026-02-20T08:00:00,2026-02-21,2026-02-21,2026-02-21T18:00:00,2026-02-21T18:30:00,false,R1,false
R4,V3,C9,A2,2026-03-27T08:00:00,2026-03-28T12:00:00,2026-03-30T12:00:00,,,false,,true
R5,V2,C2,A1,2026-03-05T08:00:00,2026-03-05T17:00:00,2026-03-05T17:00:00,,2026-03-05T18:00:00,true,,false
R6,V2,C2,A1,2026-03-12T08:00:00,,,2026-03-12T15:00:00,2026-03-12T16:00:00,false,,false
R7,,C4,A2,2026-04-02,2026-04-02T12:00:00,2026-04-02T12:00:00,,2026-04-03,false,,false
""",
    "dms_ro_lines": """
ro_number,line,kind,op_code,pay_type,outcome,technician,sold_hours,worked_hours,sale,cost,eta,received_on,worked_on
R1,1,labour,OIL,customer,sold,K1,1.5,1.2,120.00,30.00,,,2026-02-02
R1,2,labour,BRK1,customer,sold,K1,2,1.9,180.00,60.00,,,2026-02-02
R1,3,part,BRK1,customer,sold,,,,80.00,60.00,2026-02-02,2026-02-03,
R1,4,labour,TYR2,customer,declined,,1,,100.00,,,,
R2,1,labour,BAT,warranty,sold,K2,0.7,0.9,55.55,21.10,,,2026-02-12
R2,2,sublet,PAINT,internal,sold,,,,200.00,150.00,,,
R2,3,part,BAT,customer,declined,,,,140.00,90.00,,,
R3,1,labour,BRK1,warranty,sold,K1,1,1.1,90.00,30.00,,,2026-02-21
R3,2,labour,TYR2,customer,sold,,1,1,100.00,40.00,,,2026-02-21
R4,1,part,CLU9,customer,sold,,,,310.00,250.00,2026-03-31,,
R6,1,labour,BAT,customer,sold,K2,0.5,,45.00,20.00,,,
R6,2,labour,WIP1,customer,sold,K2,0.3,0.25,25.00,10.00,,,2026-03-11
R7,1,labour,WIP1,customer,sold,K2,,0.3,25.00,,,,2026-04-03
""",
    "dms_labour_punches": """
punch_id,technician,ro_number,line,started_at,stopped_at,altered
Z1,K1,R1,1,2026-02-02T08:10:00,2026-02-02T09:40:30,false
Z2,K1,R1,2,2026-02-02T09:00:00,2026-02-02T11:00:00,false
Z3,K2,R2,1,2026-02-11T23:30:00,2026-02-12T00:20:00,true
Z4,K1,R3,,2026-02-21T09:00:00,2026-02-21T11:00:00,false
Z5,K2,R4,1,2026-03-29T00:30:00,2026-03-29T02:30:00,false
Z6,K2,,,2026-03-12T09:00:00,,false
""",
    "dms_time_clock": """
technician,day,attended_hours,available_hours
K1,2026-02-02,8,7.5
K1,2026-02-21,4,
K2,2026-02-12,8,8
K2,2026-03-11,,8
K2,2026-04-03,6,6
""",
    "dms_inspections": """
inspection_id,vin,stock_number,kind,attempt,inspected_at,result,inspector
G1,V1,S1,intake,1,2025-12-23T10:00:00,fail,I1
G2,V1,S1,intake,2,2025-12-29T10:00:00,pass,I1
G3,V2,S2,delivery,,2026-01-29T10:00:00,pass_after_repair,I1
G4,V4,S4,statutory,,2026-03-01T10:00:00,aborted,I2
G5,V4,S4,statutory,,2026-03-02T10:00:00,fail,I2
G6,V4,S4,statutory,,2026-03-04T10:00:00,pass,I2
G7,V5,,delivery,1,2026-03-21T10:00:00,pass,
""",
    "dms_counter_sales": """
ticket,line,sold_on,department,item,customer_id,quantity,sale,cost,currency
W1,1,2026-01-15,parts,wiper,,2,30.00,18.00,GBP
W1,2,2026-01-15,accessories,mat,,1,45.00,20.00,GBP
W2,1,2026-03-02,inspection,test,,1,54.85,,GBP
W3,1,2026-04-10,other,tea,,1,2.00,0.50,GBP
""",
    "dms_documents": """
entity,entity_id,document,required_on,received_on,waived_by,submitted_on,rejected_on
deal,D1,contract,2026-01-12,2026-01-12,,,
deal,D2,identity,2026-01-28,2026-01-30,,,
deal,D4,finance_agreement,2026-03-05,,E9,,
deal,D5,registration,2026-03-22,,,,
vehicle,S5,title,2026-02-10,2026-02-09,,,
invoice,I6,invoice,,2026-03-22,,,
""",
    "dms_exceptions": """
exception_id,event,event_kind,kind,entity,entity_id,field,previous_value,new_value,reason,occurred_at,role,employee
O1,1,opened,price_override,deal,D2,sale_price,15995.00,15990.00,match,2026-01-20T10:00:00,controller,E9
O1,2,closed,price_override,deal,D2,sale_price,,,done,2026-01-21T16:00:00,controller,E9
O2,1,opened,document_gap,deal,D5,,,,missing,2026-03-22T10:00:00,controller,E9
O2,2,closed,document_gap,deal,D5,,,,here,2026-03-24T10:00:00,controller,E9
O2,3,reopened,document_gap,deal,D5,,,,wrong one,2026-03-25T10:00:00,manager,E1
O3,1,opened,cost_correction,deal,D4,status,delivered,unwound,back,2026-04-05T09:00:00,controller,
""",
    "portal_calls": """
call_id,portal,source,started_at,duration_seconds,answered,caller_phone,stock_number,vin
J1,AutoMarkt,tracking,2026-02-20T11:58:00,40,true,+999 4,S4,
J2,AutoMarkt,tracking,2026-03-02T18:50:00,0,false,+999 99,S5,
J3,MotorWeb,tracking,2026-03-29T10:00:00,0,false,+999 7,,
J4,MotorWeb,tracking,2026-04-02T09:30:00,12,false,+999 2,,
""",
}

#: Per feed the columns that name a row beside its rooftop.
KEYS = {feed: tuple(name for name in contracts()[feed].key if name != "rooftop") for feed in TABLES}


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
